"""`python -m quimbot_data` is `quimbot`: for launchers that start modules (`accelerate launch -m quimbot_data …`)."""

from quimbot_data.cli import main

if __name__ == "__main__":
    main()
