"""To whom a person may complain (GDPR art. 77): the supervisory authorities of the EEA, as known in 2026."""

AUTHORITIES: dict[str, tuple[str, str]] = {
    "AT": ("Österreichische Datenschutzbehörde", "https://dsb.gv.at"),
    "BE": ("Autorité de protection des données", "https://www.autoriteprotectiondonnees.be"),
    "BG": ("Commission for Personal Data Protection", "https://cpdp.bg"),
    "CY": ("Commissioner for Personal Data Protection", "https://www.dataprotection.gov.cy"),
    "CZ": ("Úřad pro ochranu osobních údajů", "https://uoou.gov.cz"),
    "DE": (
        "Die Bundesbeauftragte für den Datenschutz und die Informationsfreiheit",
        "https://www.bfdi.bund.de",
    ),
    "DK": ("Datatilsynet", "https://www.datatilsynet.dk"),
    "EE": ("Andmekaitse Inspektsioon", "https://www.aki.ee"),
    "ES": ("Agencia Española de Protección de Datos", "https://www.aepd.es"),
    "FI": ("Tietosuojavaltuutetun toimisto", "https://tietosuoja.fi"),
    "FR": ("Commission nationale de l'informatique et des libertés", "https://www.cnil.fr"),
    "GR": ("Hellenic Data Protection Authority", "https://www.dpa.gr"),
    "HR": ("Agencija za zaštitu osobnih podataka", "https://azop.hr"),
    "HU": ("Nemzeti Adatvédelmi és Információszabadság Hatóság", "https://www.naih.hu"),
    "IE": ("Data Protection Commission", "https://www.dataprotection.ie"),
    "IS": ("Persónuvernd", "https://www.personuvernd.is"),
    "IT": ("Garante per la protezione dei dati personali", "https://www.garanteprivacy.it"),
    "LI": ("Datenschutzstelle", "https://www.datenschutzstelle.li"),
    "LT": ("Valstybinė duomenų apsaugos inspekcija", "https://vdai.lrv.lt"),
    "LU": ("Commission nationale pour la protection des données", "https://cnpd.public.lu"),
    "LV": ("Datu valsts inspekcija", "https://www.dvi.gov.lv"),
    "MT": ("Information and Data Protection Commissioner", "https://idpc.org.mt"),
    "NL": ("Autoriteit Persoonsgegevens", "https://www.autoriteitpersoonsgegevens.nl"),
    "NO": ("Datatilsynet", "https://www.datatilsynet.no"),
    "PL": ("Prezes Urzędu Ochrony Danych Osobowych", "https://uodo.gov.pl"),
    "PT": ("Comissão Nacional de Proteção de Dados", "https://www.cnpd.pt"),
    "RO": (
        "Autoritatea Naţională de Supraveghere a Prelucrării Datelor cu Caracter Personal",
        "https://www.dataprotection.ro",
    ),
    "SE": ("Integritetsskyddsmyndigheten", "https://www.imy.se"),
    "SI": ("Informacijski pooblaščenec", "https://www.ip-rs.si"),
    "SK": ("Úrad na ochranu osobných údajov", "https://dataprotection.gov.sk"),
}

# Where the country is none of these: the members of the European Data Protection Board.
ALL = (
    "European Data Protection Board, list of members",
    "https://www.edpb.europa.eu/about-edpb/about-edpb/members_en",
)
