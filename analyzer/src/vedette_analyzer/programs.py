"""Programs that show what others wrote: what stands in their titles says nothing about them."""

from pathlib import PurePosixPath, PureWindowsPath

from vedette_schemas import OperatingSystem

BROWSERS = frozenset(
    "brave brave-browser chrome chromium chromium-browser epiphany falkon firefox firefox-bin firefox-esr "
    "google-chrome iexplore konqueror librewolf microsoft-edge msedge opera safari seamonkey thunderbird "
    "tor-browser vivaldi vivaldi-bin".split()
)
OFFICE = frozenset(
    "acrobat acrord32 atril evince evolution excel gedit kate libreoffice mousepad notepad okular onenote "
    "outlook powerpnt slack soffice soffice.bin teams textedit winword xpdf".split()
)
SHELLS = frozenset(
    "alacritty bash cmd conhost dash explorer finder fish foot gnome-shell gnome-terminal-server kitty "
    "konsole lxterminal mate-terminal nautilus nemo pcmanfm plasmashell powershell pwsh rxvt sh terminal "
    "terminator thunar tmux urxvt wezterm-gui windowsterminal xfce4-panel xfce4-terminal xterm zsh".split()
)


def shows_what_others_wrote(executable: str, os: OperatingSystem) -> bool:
    """Tell whether a program is a browser, an office program or a shell: never ended for its title."""
    if os == "linux":
        name = PurePosixPath(executable).name
    else:
        name = (PureWindowsPath if os == "windows" else PurePosixPath)(executable).name.lower()
        name = name.removesuffix(".exe").removesuffix(".app")
    return name in BROWSERS | OFFICE | SHELLS
