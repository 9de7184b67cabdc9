"""The door: the only way in for cells that we did not write.

    read.py       called by the rest: starts the child, waits, takes in what it made
    sources.py    which files belong together
    kinds.py      what a file is, by its name and first bytes; what is never opened
    limits.py     how much is read: unpacked size, seconds, memory
    child.py      `python -m gvci.data.door.child`: limited, shut in, then one of the readers
    scan.py         HDF5 is looked through before a value is read, and nothing is followed
    anndata_file.py, tenx.py, triple.py, table.py     the readers
    labels.py       labels that come in a file of their own
    hdf5.py         lists, texts and notes of a scanned file
    text.py         text files, unpacked while they are read, within the limit
    values.py       numbers, columns and sparse matrices that are sound
    parcel.py     the clean file between the child and us: JSON and plain arrays
    taken.py      that file as AnnData

A file may crash libhdf5 or never end: only the child opens it, and the child can be lost. What
comes back holds no link, no filter, no object and no code: the parent never opens a foreign file.
So it is for every file, those that `prepare` wrote too: they may come from somebody else.
"""
