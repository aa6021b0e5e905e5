"""Drift: the newest values of a column against those before them, by subject, with a known rate of false alarms.

One file per column, `expectations/drift/<table>.<column>.yaml`, found by walking. Great Expectations evaluates it,
by expectations of our own; the statistics are scipy's, or small pure functions. Nothing is imported here: numpy and
scipy are for those who run the suite.
"""
