"""The media workers as the gateway has them: processes, their places, a spare one, what they carry."""
