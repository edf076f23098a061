"""What people know of a film's colours, brought to each of its frames.

`files` reads it; `guide` reads the film a shot ahead, and `preparing` makes each shot ready: `tracing` says where
points of a frame are in others, `layers` carries colours there, `following` hints, and `matching` asks
`colorizer.guidance` of one frame.
"""
