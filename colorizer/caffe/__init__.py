"""Caffe's two files, without Caffe: the prototxt that says what a network is, the caffemodel that holds its weights.

`prototxt` and `caffemodel` read and write them, `network` checks that they describe a network of our contract and
belong together, `diagnose` names the file that is neither. No protobuf library is used; `wire` walks the bytes.
"""
