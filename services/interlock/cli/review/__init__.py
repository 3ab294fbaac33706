"""`interlock review …`: what substituted, compared with what it replaced."""
