"""The operations of a program: (kind, two to four numbers), which all people of a group share."""

#: Kinds of operation: (MOVE, moment, decomposition, first output, outputs), (ADD, state, value row),
#: (SET, constant, value row), (EVENT, event, moment), (RESET, moment).
MOVE, ADD, SET, EVENT, RESET = range(5)
#: Numbers of an operation.
WIDTH = 5
