"""Zoo (KittyCAD): the answers of its `file` endpoints, one property each, and the operations that hold them."""
