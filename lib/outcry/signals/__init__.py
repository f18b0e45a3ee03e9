"""Pure numbers about markets: touch, flow, history. No I/O."""
