"""A page on one's own machine, and its HTTP API: `colorize serve`.

Everything a client sends is hostile until shown otherwise. No name that comes from outside is ever opened: pictures lie
under random names in a private folder, and a client's name goes, cleaned, into headers, zip entries and messages alone.

`server` binds and runs; `security` checks every request first; `app` has the routes; `uploads` receives files;
`work_queue` queues the work and `coloring` does it, with `networks` that are loaded once; `pictures` holds what the
page works on; `responses` and `zipping` send results. `query` and `wording` know how options are spelled in a request.
Pictures are read, coloured and written by the very functions of the command, so they come out byte for byte the same.
"""
