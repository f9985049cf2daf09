"""Autodesk Model Derivative: mass properties as text, among the properties of each object."""
