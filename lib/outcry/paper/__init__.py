"""The local exchange: matching, accounts, market sources, server."""
