"""Where an org has messages sent: e-mail, chats, signed webhooks; what was sent, and whether it arrived."""
