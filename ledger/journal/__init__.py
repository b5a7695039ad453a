"""The journal: what an append is acknowledged on. One order, one chain, one lock.

lock.py      who may write                    segments.py  the files and cursors
line.py      line and chain, pure             batch.py     all or nothing
reader.py    scanning, with the chain         writer.py    appending and healing
"""
