"""Autodesk Manufacturing Data Model: the GraphQL object `physicalProperties`."""
