"""The newsletter that the tour sends, in the four languages of its readers."""

from pathlib import Path

_TEXTS = {
    "en": ("News in {month}", "Hello", "Here is what is new this month.", "Unsubscribe with one click"),
    "pl": ("Nowości: {month}", "Dzień dobry", "Oto nowości tego miesiąca.", "Wypisz się jednym kliknięciem"),
    "lv": ("Jaunumi: {month}", "Labdien", "Šī mēneša jaunumi.", "Atrakstīties ar vienu klikšķi"),
    "ru": ("Новости: {month}", "Здравствуйте", "Новости этого месяца.", "Отписаться одним нажатием"),
}


def write(path: Path, month: str) -> Path:
    """Write the campaign file for `zgoda campaign send`."""
    lines = ['purpose = "newsletter"', 'channel = "email"', 'audience = "all"', 'fallback = "en"']
    for locale, (subject, hello, body, leave) in _TEXTS.items():
        sender = "{{ controller.name }}, {{ controller.address }}"
        link = "{{ unsubscribe_url }}"
        name = "{{ contact.first_name | default: '' }}"
        lines += [
            f"[template.{locale}]",
            f'subject = "{subject.format(month=month)}"',
            f'text = """\n{hello} {name}!\n\n{body}\n\n{leave}: {link}\n{sender}\n"""',
            f'html = """\n<p>{hello} {name}!</p><p>{body}</p><p><a href="{link}">{leave}</a><br>{sender}</p>\n"""',
        ]
    path.write_text("\n".join(lines), "utf-8")
    return path
