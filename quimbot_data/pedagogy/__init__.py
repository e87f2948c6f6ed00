"""What makes a dialogue good scaffolding: moves, critics and measures, below the generator and the trainer."""
