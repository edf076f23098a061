"""How a model gets here: mirrors, transfers that go on where they broke off, and what has arrived."""
