"""What a user can have done to the record, apart from the words of a command line.

judge.py   criteria against measured evidence -> verdicts
tour.py    the demo: the command lines of the whole flow, in order
"""
