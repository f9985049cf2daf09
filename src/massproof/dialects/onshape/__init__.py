"""Onshape: the answer of its `massproperties` endpoints, where every number has its own minimum and maximum."""
