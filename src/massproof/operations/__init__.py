"""Durable asynchronous operations: what the server is asked to make, and what became of it.

`port` says what an operation is and what a store of them can do; `memory` and `durable` are such stores. `records`
keeps what the server must not forget beside them. `jobs` is what they run.
"""
