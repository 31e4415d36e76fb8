"""The words Google translates. One language is drawn per export; the program under test must not know any of them."""

from dataclasses import dataclass
from typing import Tuple


@dataclass(frozen=True)
class Locale:
    code: str
    product: str
    years: Tuple[str, ...]
    album_json: str = "metadata.json"
    edited: Tuple[str, ...] = ("-edited",)
    untitled: Tuple[str, ...] = ("Untitled",)
    archive: Tuple[str, ...] = ("Archive",)
    trash: Tuple[str, ...] = ("Trash",)
    locked: Tuple[str, ...] = ("Locked folder",)


EN_YEAR = "Photos from {y}"

LOCALES = (
    Locale("en", "Google Photos", (EN_YEAR,), trash=("Trash", "Bin")),
    Locale("de", "Google Fotos", (EN_YEAR, "Fotos von {y}", "Fotos aus {y}"), "Metadaten.json", ("-bearbeitet",),
           ("Unbenannt",), ("Archiv",), ("Papierkorb",), ("Gesperrter Ordner",)),
    Locale("fr", "Google Photos", (EN_YEAR, "Photos de {y}"), "métadonnées.json", ("-modifié",), ("Sans titre",),
           ("Archive", "Archives"), ("Corbeille",), ("Dossier verrouillé",)),
    Locale("es", "Google Fotos", (EN_YEAR, "Fotos del {y}", "Fotos de {y}"), "metadatos.json",
           ("-ha editado", "-editado"), ("Sin título",), ("Archivo",), ("Papelera",),
           ("Carpeta privada", "Carpeta bloqueada")),
    Locale("ca", "Google Fotos", (EN_YEAR,), "metadades.json", ("-editat",), ("Sense títol",), ("Arxiu",),
           ("Paperera",)),
    Locale("it", "Google Foto", (EN_YEAR, "Foto del {y}"), "metadati.json", ("-modificato",), ("Senza titolo",),
           ("Archivio",), ("Cestino",), ("Cartella bloccata",)),
    Locale("pt", "Google Fotos", ("Fotos de {y}",), "metadata.json", ("-editado",), ("Sem título",), ("Arquivo",),
           ("Lixeira", "Lixo"), ("Pasta trancada",)),
    Locale("nl", "Google Foto_s", ("Foto_s van {y}", EN_YEAR), "metadata.json", ("-bewerkt",), ("Zonder titel",),
           ("Archief",), ("Prullenbak",), ("Vergrendelde map",)),
    Locale("pl", "Zdjęcia Google", (EN_YEAR,), "metadata.json", ("-edytowane",), ("Bez tytułu",), ("Archiwum",),
           ("Kosz",), ("Folder zablokowany",)),
    Locale("fi", "Google Kuvat", (EN_YEAR,), edited=("-muokattu",), untitled=("Nimetön",)),
    Locale("tr", "Google Fotoğraflar", (EN_YEAR,), edited=("-düzenlendi",), untitled=("Adsız",)),
    Locale("hu", "Google Fotók", (EN_YEAR,), "metaadatok.json", untitled=("Nem mentett dokumentum",)),
    Locale("sk", "Fotky Google", (EN_YEAR,), "metadáta.json", ("-upravené",)),
    Locale("bg", "Google Снимки", (EN_YEAR,), "метаданни.json", untitled=("Без заглавие",)),
    Locale("ru", "Google Фото", (EN_YEAR, "Фото за {y}"), "метаданные.json", ("-измененный", "-отредактировано"),
           ("Без названия",), ("Архив",), ("Корзина",), ("Заблокированная папка",)),
    Locale("ja", "Google フォト", (EN_YEAR, "{y} 年の写真"), "metadata.json", ("-編集済み",), ("無題",),
           ("アーカイブ",), ("ゴミ箱",), ("ロックされたフォルダ",)),
    Locale("ko", "Google 포토", (EN_YEAR, "{y}년 사진"), "metadata.json", ("-편집됨",), (), ("보관처리됨",),
           ("휴지통",), ("잠긴 폴더",)),
    Locale("zh-CN", "Google 相册", (EN_YEAR, "{y}年的照片"), "metadata.json", ("-已修改", "-编辑", "-修改"),
           ("未命名", "无标题"), ("归档",), ("回收站",), ("锁定文件夹",)),
    Locale("zh-TW", "Google 相簿", (EN_YEAR,), "metadata.json", ("-已編輯",), ("未命名",)),
)


@dataclass(frozen=True)
class Words:
    """One concrete choice of the words above, for one export."""
    code: str
    product: str
    year: str
    album_json: str
    edited: str
    untitled: str
    archive: str
    trash: str
    locked: str


def draw(rng):
    """Picks one language and one variant of each of its words."""
    loc = rng.choice(LOCALES)
    return Words(loc.code, loc.product, rng.choice(loc.years), loc.album_json, rng.choice(loc.edited),
                 rng.choice(loc.untitled or ("Untitled",)), rng.choice(loc.archive), rng.choice(loc.trash),
                 rng.choice(loc.locked))
