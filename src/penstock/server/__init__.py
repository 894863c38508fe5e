"""Assembly: settings, the ASGI application, migrations, and the processes that serve.

Knows every domain and decides nothing.
"""
