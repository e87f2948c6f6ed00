"""The commands of `quimbot synth`, a file a group."""
