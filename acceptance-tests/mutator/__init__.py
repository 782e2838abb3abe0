"""Changes the answers of an emulator at random, by seed, and judges what a connector makes of them.

A mutation is a pure function of the right answer (`table.MUTATIONS`); the emulator applies those that its option
`mutations` orders (`emulators.mutations`); `campaign` reads an account under a handful of them at a time, and `judge`
says for each stream whether everything is there, or a clear failure from which a second run recovers.
"""
