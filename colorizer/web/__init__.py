"""A page on one's own machine, and its HTTP API: `colorize serve`.

Everything a client sends is hostile until shown otherwise. No name that comes from outside is ever opened: pictures lie
under random names in a private folder, and a client's name goes, cleaned, into headers, zip entries and messages alone.

`server` binds and runs; `safety` stands before everything; `app` has the routes; `uploads` takes what is sent; `lanes`
queue the work and `coloring` does it, with `networks` that are loaded once; `shelf` holds what the page works on.
Pictures are read, coloured and written by the very functions of the command, so they come out byte for byte the same.
"""
