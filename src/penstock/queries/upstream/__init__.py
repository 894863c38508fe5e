"""The service that runs the queries of the explorer dialect in place of this server, when a setting names one."""
