"""The reference gateway: an OpenAI-compatible server that calls the model its resolver names, and no other.

It decides nothing. An agent's key says which route a request belongs to, the resolver says which model serves that route, and the
reply says which model that was. What an agent asks for by name, and every field that asks for routing, changes nothing.
"""
