"""What an adapter must offer, and the data that passes through: one file for each side of the house.

Unless a port says otherwise, its methods and its callbacks are called on the event loop's thread; an adapter whose
library has threads of its own crosses over with `loop.call_soon_threadsafe`.
"""
