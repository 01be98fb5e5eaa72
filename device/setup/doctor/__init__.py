"""The doctor: a check gathers facts, within a limit of time, and judges them; the judgement is pure."""
