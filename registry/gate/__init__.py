"""The gate: may this person be processed for this purpose, on this channel, now?"""
