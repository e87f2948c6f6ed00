"""Sentences of everyday talk in several languages, written for the audit: text whose language is known for certain."""

from collections.abc import Mapping, Sequence
from typing import Final

SENTENCES: Final[Mapping[str, Sequence[str]]] = {
    "en": (
        "My neighbour grows tomatoes on the balcony and gives us some every August.",
        "The bus was late again this morning, so we walked along the river instead.",
        "She keeps her old letters in a wooden box that nobody else may open.",
        "We have not decided yet whether the children will learn the piano or the drums.",
    ),
    "es": (
        "Mi vecina cultiva tomates en el balcón y nos regala algunos cada agosto.",
        "El autobús llegó tarde otra vez, así que fuimos caminando junto al río.",
        "Guarda sus cartas viejas en una caja de madera que nadie más puede abrir.",
        "Todavía no hemos decidido si los niños aprenderán a tocar el piano o la batería.",
    ),
    "fr": (
        "Ma voisine cultive des tomates sur le balcon et nous en donne chaque été.",
        "Le bus était encore en retard ce matin, alors nous avons longé la rivière à pied.",
        "Elle garde ses vieilles lettres dans une boîte en bois que personne ne doit ouvrir.",
        "Nous n'avons pas encore décidé si les enfants apprendront le piano ou la batterie.",
    ),
    "de": (
        "Meine Nachbarin zieht auf dem Balkon Tomaten und schenkt uns jeden August welche.",
        "Der Bus kam heute Morgen wieder zu spät, also sind wir am Fluss entlang gelaufen.",
        "Sie bewahrt ihre alten Briefe in einer Holzkiste auf, die sonst niemand öffnen darf.",
        "Wir haben noch nicht entschieden, ob die Kinder Klavier oder Schlagzeug lernen.",
    ),
    "pt": (
        "A minha vizinha cultiva tomates na varanda e dá-nos alguns todos os verões.",
        "O autocarro chegou atrasado outra vez, por isso fomos a pé junto ao rio.",
        "Ela guarda as cartas antigas numa caixa de madeira que mais ninguém pode abrir.",
        "Ainda não decidimos se as crianças vão aprender piano ou bateria.",
    ),
    "it": (
        "La mia vicina coltiva pomodori sul balcone e ce ne regala alcuni ogni agosto.",
        "Stamattina l'autobus era di nuovo in ritardo, così siamo andati a piedi lungo il fiume.",
        "Conserva le vecchie lettere in una scatola di legno che nessun altro può aprire.",
        "Non abbiamo ancora deciso se i bambini impareranno il pianoforte o la batteria.",
    ),
    "ru": (
        "Моя соседка выращивает помидоры на балконе и каждый август угощает нас.",
        "Автобус сегодня утром снова опоздал, поэтому мы пошли пешком вдоль реки.",
        "Она хранит старые письма в деревянной шкатулке, которую никто не открывает.",
        "Мы ещё не решили, будут ли дети учиться играть на пианино или на барабанах.",
    ),
    "ar": (
        "جارتي تزرع الطماطم في الشرفة وتعطينا منها كل صيف.",
        "تأخرت الحافلة مرة أخرى هذا الصباح فمشينا على طول النهر.",
        "تحتفظ برسائلها القديمة في صندوق خشبي لا يفتحه أحد غيرها.",
        "لم نقرر بعد هل سيتعلم الأطفال العزف على البيانو أم على الطبول.",
    ),
    "zh": (
        "我的邻居在阳台上种西红柿，每年夏天都会送给我们一些。",
        "今天早上公共汽车又晚点了，所以我们沿着河边走路去的。",
        "她把旧信放在一个木盒子里，别人都不可以打开。",
        "我们还没有决定孩子们是学钢琴还是学打鼓。",
    ),
    "ja": (
        "隣の人はベランダでトマトを育てていて、毎年夏に少し分けてくれます。",
        "今朝もバスが遅れたので、私たちは川沿いを歩いて行きました。",
        "彼女は古い手紙を木の箱にしまっていて、ほかの人は開けられません。",
        "子どもたちにピアノを習わせるか太鼓を習わせるか、まだ決めていません。",
    ),
    "sw": (
        "Jirani yangu hulima nyanya kwenye roshani na hutupa kidogo kila mwaka.",
        "Basi lilichelewa tena asubuhi ya leo, kwa hiyo tulitembea kando ya mto.",
        "Anahifadhi barua zake za zamani katika sanduku la mbao ambalo hakuna mwingine anayefungua.",
        "Bado hatujaamua kama watoto watajifunza kupiga piano au ngoma.",
    ),
    "hi": (
        "मेरी पड़ोसन बालकनी में टमाटर उगाती है और हर गर्मी में हमें कुछ देती है।",
        "आज सुबह बस फिर देर से आई, इसलिए हम नदी के किनारे पैदल चले गए।",
        "वह अपनी पुरानी चिट्ठियाँ लकड़ी के एक डिब्बे में रखती है जिसे कोई और नहीं खोलता।",
        "हमने अभी तय नहीं किया है कि बच्चे पियानो सीखेंगे या ढोल।",
    ),
}
