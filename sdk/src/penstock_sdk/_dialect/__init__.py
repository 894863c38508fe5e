"""The scripts of the dashboard dialect: what they do on any server that speaks it, without their arguments."""
