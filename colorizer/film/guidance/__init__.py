"""What is known of a film's colours, by people or from the film itself, brought to each of its frames.

`files` reads what people say; `guide` reads the film a shot ahead, and `preparing` makes each shot ready: `tracing`
says where points of a frame are in others, `layers` carries colours there, `following` hints, and `matching` asks
`colorizer.guidance` of one frame. `memory` has shots of one place take over the colours of the first: `recognition`
tells whether they show it, `shift` is what is added to their colours.
"""
