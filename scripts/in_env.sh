#!/bin/sh
# Run a program of the environment `env` in this folder, whether or not it is activated; without one, that on the PATH.
PATH="$PWD/env/bin:$PWD/env/Scripts:$PATH" exec "$@"
