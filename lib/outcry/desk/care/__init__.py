"""Parts of the verbs that look after a floor."""
