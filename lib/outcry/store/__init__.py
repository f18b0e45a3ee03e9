"""The only room that speaks SQL or touches state/."""
