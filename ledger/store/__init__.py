"""The DuckDB file, where events live to be asked. Disposable: rebuilt from the journal at any time.

    schema.py     tables, triggers, and the digest that tells when to rebuild
    slices.py     journal bytes -> rows, in bulk
    catch_up.py   exactly once, a slice a transaction, the file held a second at most
    reader.py     a connection that sees everything up to a position, and can change nothing
    sandbox.py    somebody else's SQL, in a child process with limits

A DuckDB file has one lock: a writer shuts out readers and readers shut out a writer. So nothing
here holds the file longer than it must, recording never opens it, and a reader that finds it taken
reads the journal's end itself. Never open, hash or copy the file from within the process that holds
it: POSIX locks vanish when any descriptor on the file closes.
"""
