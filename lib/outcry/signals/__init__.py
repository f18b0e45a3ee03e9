"""Pure numbers about markets: touch, flow, history, patterns, fair value, who makes them. No I/O."""
