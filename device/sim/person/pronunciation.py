"""Translates espeak-ng's phonemes to ARPAbet, for words that are not in pocketsphinx's dictionary."""

from __future__ import annotations

from device.errors import ConfigError

# From espeak-ng's phoneme names for en-us (its option `-x`, without stress marks) to those of CMUdict.
_ARPABET = {
    "p": "P", "b": "B", "t": "T", "t#": "T", "t2": "T", "d": "D", "k": "K", "g": "G", "f": "F", "v": "V",
    "T": "TH", "D": "DH", "s": "S", "z": "Z", "S": "SH", "Z": "ZH", "h": "HH", "m": "M", "n": "N", "N": "NG",
    "l": "L", "r": "R", "j": "Y", "w": "W", "tS": "CH", "dZ": "JH", "x": "K", "?": "",
    "a": "AE", "aa": "AE", "a#": "AH", "A:": "AA", "A": "AA", "A@": "AA R", "0": "AA", "0#": "AA", "O": "AO",
    "O:": "AO", "O2": "AO", "O@": "AO R", "o@": "AO R", "E": "EH", "e": "EH", "E2": "EH", "e@": "EH R",
    "3": "ER", "3:": "ER", "@": "AH", "@2": "AH", "@5": "AH", "@L": "AH L", "V": "AH", "V#": "AH",
    "n-": "AH N", "m-": "AH M", "I": "IH", "I#": "IH", "I2": "IH", "i": "IY", "i:": "IY", "i@": "IH R",
    "i@3": "IH R", "U": "UH", "u": "UW", "u:": "UW", "U@": "UH R", "aI": "AY", "aI@": "AY AH", "aI3": "AY ER",
    "aU": "AW", "aU@": "AW AH", "eI": "EY", "OI": "OY", "oU": "OW", "o": "OW", "ju:": "Y UW",
}  # fmt: skip
_MARKS = "',%=|;!*"


def arpabet(word: str, spoken: str) -> str:
    """Return the pronunciation `spoken` ("_" between espeak-ng's phonemes) in ARPAbet. Raise ConfigError."""
    sounds = [sound.strip(_MARKS) for sound in spoken.replace(" ", "_").split("_")]
    unknown = [sound for sound in sounds if sound and sound not in _ARPABET]
    translated = " ".join(_ARPABET[s] for s in sounds if s and s not in unknown and _ARPABET[s])
    if unknown or not translated:
        raise ConfigError(f'nobody knows how to pronounce "{word}" in a phrase; use an English word')
    return translated
