"""Programs that are never ended, with the reason: without them nobody can use or mend the host.

A name alone protects nothing: the file must be one that only root could have put there, so a user's own
program called `Xorg` is not protected.
"""

import sys
from pathlib import PurePath

from .running import Running

_DISPLAY = "it is the display server"
_DESKTOP = "it holds the user's desktop session"
_SIGN_IN = "it is a part of signing in"
_PACKAGES = "it is the package manager"
_SYSTEM = "the system runs on it"

if sys.platform == "linux":
    _NAMES = {
        _DISPLAY: """
            X Xorg Xorg.bin Xorg.wrap Xwayland Xvfb Xvnc Xtigervnc Xephyr xinit gnome-shell kwin_x11
            kwin_wayland mutter weston sway wayfire labwc cage Hyprland cosmic-comp niri river cinnamon muffin
            """,
        _DESKTOP: """
            gnome-session gnome-session-binary gnome-session-service gnome-session-ctl startplasma-x11
            startplasma-wayland ksmserver plasma_session plasmashell xfce4-session xfwm4 mate-session marco
            cinnamon-session cinnamon-session-binary lxsession lxqt-session budgie-session-binary budgie-wm
            openbox fluxbox icewm i3 awesome bspwm dwm enlightenment cosmic-session xscreensaver swaylock
            """,
        _SIGN_IN: """
            gdm gdm3 gdm-session-worker gdm-x-session gdm-wayland-session sddm sddm-helper lightdm
            lightdm-gtk-greeter slick-greeter greetd agreety lxdm xdm slim login agetty getty sulogin sshd
            sshd-session sshd-auth dropbear systemd-logind elogind su sudo doas pkexec polkitd
            polkit-agent-helper-1 accounts-daemon sssd winbindd
            """,
        _PACKAGES: """
            dpkg dpkg-deb apt apt-get aptitude aptd rpm rpmdb dnf5 dnf5daemon-server microdnf zypper zypp-rpm
            pacman apk xbps-install snapd snap flatpak flatpak-system-helper packagekitd fwupd
            """,
        _SYSTEM: """
            init systemd systemd-executor systemd-journald systemd-udevd systemd-resolved systemd-networkd
            systemd-timesyncd systemd-oomd systemd-userdbd systemd-machined dbus-daemon dbus-broker
            dbus-broker-launch runit s6-svscan openrc-init supervise-daemon NetworkManager wpa_supplicant iwd
            dhclient dhcpcd cron rsyslogd auditd
            """,
    }
elif sys.platform == "darwin":
    _NAMES = {
        _DISPLAY: "WindowServer Dock Finder SystemUIServer",
        _SIGN_IN: "loginwindow login sshd securityd opendirectoryd authd sudo su",
        _PACKAGES: "installer softwareupdated installd system_installd",
        _SYSTEM: "launchd kernel_task logd configd mDNSResponder UserEventAgent",
    }
else:
    _NAMES = {
        _DISPLAY: "csrss.exe dwm.exe explorer.exe sihost.exe",
        _SIGN_IN: "winlogon.exe logonui.exe lsass.exe lsaiso.exe userinit.exe consent.exe",
        _PACKAGES: "msiexec.exe trustedinstaller.exe tiworker.exe usoclient.exe",
        _SYSTEM: "system smss.exe wininit.exe services.exe svchost.exe fontdrvhost.exe",
    }

REASONS: dict[str, str] = {name: reason for reason, names in _NAMES.items() for name in names.split()}


def duty(running: Running) -> str | None:
    """Return why this program is never ended, as the end of a sentence; `None` if nothing protects it."""
    path = running.process.executable
    name = PurePath(path).name
    reason = REASONS.get(name.lower() if sys.platform == "win32" else name)
    return reason if reason is not None and _is_of_system(running.process.pid, path) else None


if sys.platform == "win32":

    def _is_of_system(_pid: int, path: str) -> bool:
        return PurePath(path).is_relative_to(PurePath("C:/Windows"))

else:
    from pathlib import Path

    from . import procfs

    def _is_of_system(pid: int, path: str) -> bool:
        """Tell whether only root could have put the file there."""
        # In a user namespace of their own a user can mount anything over /usr/bin.
        if sys.platform == "linux" and not procfs.same_user_namespace(pid):
            return False
        return all(map(_is_roots_alone, Path(path).parents)) and _is_roots_alone_or_gone(Path(path))

    def _is_roots_alone_or_gone(file: Path) -> bool:
        # An upgrade replaces the file of a display server that goes on running.
        return not file.exists() or _is_roots_alone(file)

    def _is_roots_alone(path: Path) -> bool:
        try:
            status = path.stat()
        except OSError:
            return False
        others_write = status.st_mode & 0o002 or (status.st_mode & 0o020 and status.st_gid != 0)
        return status.st_uid == 0 and not others_write
