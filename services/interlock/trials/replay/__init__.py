"""Recorded calls through the whole line: what would Interlock have made of them?"""
