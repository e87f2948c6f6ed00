"""Language codes and names, as corpora declare them, to the shortest BCP 47 primary language subtag.

The facts: ISO 639-3 (its code set, its 639-1 and 639-2/B equivalents and reference names, edition of 2026-02), the IANA
language subtag registry (deprecated subtags) and Unicode CLDR 48's English display names, which ICU prints. Embedded,
because a lookup must give the same answer on every machine and CLDR's own canonical forms differ from the registry's
(`tw` -> `ak`, `tl` -> `fil`).
"""

import unicodedata
from functools import cache
from typing import Final

#: ISO 639-1 code, ISO 639-3 code, English names. Among them `bh`, a collection, and deprecated `sh`.
_TWO_LETTER: Final = """
aa aar Afar; ab abk Abkhazian/Abkhaz; ae ave Avestan; af afr Afrikaans; ak aka Akan; am amh Amharic/Amarigna; an arg
Aragonese; ar ara Arabic; as asm Assamese; av ava Avaric; ay aym Aymara; az aze Azerbaijani/Azeri; ba bak Bashkir; be
bel Belarusian/Belorussian/Byelorussian; bg bul Bulgarian; bh bih Bihari; bi bis Bislama; bm bam Bambara; bn ben
Bangla/Bengali; bo bod Tibetan; br bre Breton; bs bos Bosnian; ca cat Catalan/Valencian; ce che Chechen; ch cha
Chamorro; co cos Corsican; cr cre Cree; cs ces Czech; cu chu Church Slavic/Old Church Slavonic; cv chv Chuvash; cy cym
Welsh; da dan Danish; de deu German; dv div Divehi/Dhivehi/Maldivian; dz dzo Dzongkha; ee ewe Ewe; el ell Greek/Modern
Greek; en eng English; eo epo Esperanto; es spa Spanish/Castilian; et est Estonian; eu eus Basque; fa fas
Persian/Farsi; ff ful Fula/Fulah/Fulani/Fulfulde; fi fin Finnish; fj fij Fijian; fo fao Faroese/Faeroese; fr fra
French; fy fry Western Frisian/West Frisian; ga gle Irish/Irish Gaelic; gd gla Scottish Gaelic/Scots Gaelic; gl glg
Galician; gn grn Guarani; gu guj Gujarati; gv glv Manx; ha hau Hausa; he heb Hebrew; hi hin Hindi; ho hmo Hiri Motu;
hr hrv Croatian; ht hat Haitian Creole/Haitian/Haitian Creole French/Kreyol; hu hun Hungarian; hy hye Armenian; hz her
Herero; ia ina Interlingua; id ind Indonesian/Bahasa Indonesia; ie ile Interlingue/Occidental; ig ibo Igbo/Ibo; ii iii
Sichuan Yi/Nuosu; ik ipk Inupiaq/Inupiak; io ido Ido; is isl Icelandic; it ita Italian; iu iku Inuktitut; ja jpn
Japanese; jv jav Javanese; ka kat Georgian; kg kon Kongo; ki kik Kikuyu/Gikuyu; kj kua Kuanyama; kk kaz Kazakh; kl kal
Kalaallisut/Greenlandic; km khm Khmer/Cambodian; kn kan Kannada; ko kor Korean; kr kau Kanuri; ks kas Kashmiri; ku kur
Kurdish/Kurmanji/Kurdish Kurmanji; kv kom Komi; kw cor Cornish; ky kir Kyrgyz/Kirghiz; la lat Latin; lb ltz
Luxembourgish/Letzeburgesch; lg lug Ganda/Luganda; li lim Limburgish/Limburgan; ln lin Lingala; lo lao
Lao/Laotian/Laothian; lt lit Lithuanian; lu lub Luba-Katanga; lv lav Latvian; mg mlg Malagasy; mh mah Marshallese; mi
mri Māori; mk mkd Macedonian; ml mal Malayalam; mn mon Mongolian; mr mar Marathi; ms msa Malay/Bahasa Melayu; mt mlt
Maltese; my mya Burmese/Myanmar; na nau Nauru; nb nob Norwegian Bokmål/Bokmål; nd nde North Ndebele; ne nep Nepali; ng
ndo Ndonga; nl nld Dutch/Flemish; nn nno Norwegian Nynorsk/Norwegian N/Nynorsk; no nor Norwegian; nr nbl South
Ndebele; nv nav Navajo; ny nya Nyanja/Chichewa/Chewa; oc oci Occitan; oj oji Ojibwa; om orm Oromo/Afaan Oromo; or ori
Odia/Oriya; os oss Ossetic/Ossetian; pa pan Punjabi/Panjabi; pi pli Pali; pl pol Polish; ps pus Pashto/Pushto; pt por
Portuguese; qu que Quechua; rm roh Romansh/Rhaeto Romance/Rhaeto-Romance/Romansch; rn run Rundi/Kirundi; ro ron
Romanian/Moldavian/Moldovan; ru rus Russian; rw kin Kinyarwanda/Rwanda; sa san Sanskrit; sc srd Sardinian; sd snd
Sindhi; se sme Northern Sami; sg sag Sango; sh hbs Serbo-Croatian/Serbocroatian; si sin Sinhala/Sinhalese; sk slk
Slovak; sl slv Slovenian; sm smo Samoan; sn sna Shona/chiShona; so som Somali; sq sqi Albanian; sr srp Serbian; ss ssw
Swati/Siswant/Siswati/Swazi; st sot Southern Sotho/Sesotho; su sun Sundanese; sv swe Swedish; sw swa
Swahili/Kiswahili; ta tam Tamil; te tel Telugu; tg tgk Tajik/Tadjik; th tha Thai; ti tir Tigrinya/Tigrigna; tk tuk
Turkmen; tl tgl Tagalog/Pilipino; tn tsn Tswana/Setswana; to ton Tongan; tr tur Turkish; ts tso Tsonga; tt tat Tatar;
tw twi Twi/Asante Twi; ty tah Tahitian; ug uig Uyghur/Uighur; uk ukr Ukrainian; ur urd Urdu; uz uzb Uzbek; ve ven
Venda; vi vie Vietnamese; vo vol Volapük; wa wln Walloon; wo wol Wolof; xh xho Xhosa/isiXhosa; yi yid Yiddish; yo yor
Yoruba; za zha Zhuang; zh zho Chinese/Mandarin/Mandarin Chinese/Simplified Chinese/Traditional Chinese/ChineseT; zu
zul Zulu/isiZulu
"""

#: Names of languages without a two-letter code: those that the detectors or the corpora call by name.
_THREE_LETTER: Final = """
ach Acoli/Acholi; acm Mesopotamian Arabic; acq Ta'izzi-Adeni Arabic; aeb Tunisian Arabic; apc Levantine Arabic; ars
Najdi Arabic; ary Moroccan Arabic; arz Egyptian Arabic; ast Asturian; ayr Central Aymara; azb South Azerbaijani; ban
Balinese; bar Bavarian; bcl Central Bikol; bem Bemba; bho Bhojpuri; bjn Banjar; bpy Bishnupriya; bug Buginese; bxr
Russia Buriat; cbk Chavacano; ceb Cebuano; chr Cherokee; cjk Chokwe; ckb Central Kurdish/Sorani/Kurdish Sorani; cnr
Montenegrin; crh Crimean Tatar; crs Seselwa Creole French/Seselwa/Seychelles Creole; dag Dagbani; dga Southern
Dagaare/Dagaare; diq Dimli/Zazaki; dje Zarma; dsb Lower Sorbian; dty Dotyali; dyu Dyula; egl Emilian; fat Fanti/Fante;
fil Filipino; fon Fon; frr Northern Frisian; fur Friulian; fuv Nigerian Fulfulde; gom Goan Konkani; gsw Swiss
German/Alemannic/Alsatian; gur Frafra/Farefare; guz Gusii; haw Hawaiian; hif Fiji Hindi; hil Hiligaynon; hmn Hmong;
hsb Upper Sorbian; ilo Iloko; jbo Lojban; kab Kabyle; kam Kamba; kbp Kabiyè; kea Kabuverdianu; kha Khasi; kln
Kalenjin; kmb Kimbundu; knc Central Kanuri; kpo Ikposo; krc Karachay-Balkar; kri Krio; lez Lezghian; lif Limbu; lij
Ligurian; lkt Lakota; lmo Lombard; loz Lozi; lrc Northern Luri; lua Luba-Lulua/Luba-Kasai/Luba Lulua; luo
Luo/Dholuo/Luo Kenya And Tanzania; lus Mizo/Lushai; luy Luyia; mai Maithili; mas Masai/Maasai; men Mende; mer Meru;
mfe Morisyen/Mauritian Creole; mhr Eastern Mari; min Minangkabau; mni Manipuri/Meitei; mos Mossi; mrj Western Mari;
mwl Mirandese; myv Erzya; mzn Mazanderani; nap Neapolitan; nds Low German/Low Saxon; new Newari/Nepal Bhasa/Newar; nso
Northern Sotho/Pedi/Sepedi; nus Nuer; nym Nyamwezi; nyn Nyankole/Runyankole/Nyankore; pam Pampanga/Kapampangan; pap
Papiamento; pcm Nigerian Pidgin/Nigerian Pidgin English; pfl Palatine German/Pfaelzisch; pms Piedmontese/Piemontese;
pnb Western Panjabi; prs Dari; raj Rajasthani; rue Rusyn; sah Yakut/Sakha; sat Santali; scn Sicilian; sco Scots; shn
Shan; sid Sidamo/Sidama; snk Soninke; srr Serer; suk Sukuma; swb Comorian/Maore Comorian; syr Syriac; szl Silesian;
tem Timne; teo Teso; tig Tigre; tlh Klingon; tmh Tamashek; tpi Tok Pisin; tum Tumbuka; tyv Tuvinian; umb Umbundu; vec
Venetian; vep Veps; vls West Flemish/Vlaams; wal Wolaytta/Wolaita; war Waray/Waray Philippines; wuu Wu Chinese; xal
Kalmyk; xmf Mingrelian; xog Soga/Lusoga; yue Cantonese/Yue Chinese; zgh Standard Moroccan Tamazight
"""

#: Every ISO 639-3 code but mis, mul, und and zxx: the first two letters, then all that stand third.
_ISO_639_3: Final = """
aa:abcdefghiklnopqrstuwxz ab:abcdefghijklmnopqrstuvwxyz ac:abdefhiklmnpqrstuvwxyz ad:abdefghijlnoqrstuwxyz
ae:abcdeklmnqrsuwyz af:bdeghiknoprstuz ag:abcdefghijklmnoqrstuvwxyz ah:abghiklmnoprst ai:abcdefghijklmnopqrtwxy
aj:aginsuwz ak:abcdefghijklmopqrstuvwxyz al:acdefhijklmnopqrstuwxyz am:abcefghijklmnopqrstuvwxyz
an:abcdefghijklmnopqrstuvwxyz ao:abcdefgijklmnrstuxz ap:bcdefghijklmnopqrstuvwxyz aq:cdgkmnprtz
ar:abcdeghijklnopqrsuvwxyz as:abcefghijklmnopqrstuvwxyz at:abcdegijklmnopqrstuvwxyz au:abcdghijklmnopqrtuwxyz
av:abdeiklmnostuv aw:abceghikmnorstuvwxy ax:begklmx ay:abcdeghiklmnopqrstuz az:abdegjmnotz ba:abcefghjklmnoprsuvwxy
bb:abcdefghijklmnopqrstuvwxy bc:abcdefghijklmnopqrstuvwyz bd:abcdefghijklmnopqrstuvwxyz be:abcdefghijklmnopqstuvwxyz
bf:abcdefghijklmnopqrstuwxyz bg:abcdefgijklnopqrstuvwxyz bh:abcdefghijlmnopqrstuvwxyz bi:abdefgklmnopqrstuvwxyz
bj:abcefghijklmnoprstuvwxyz bk:acdfghijklmnopqrstuvwxyz bl:abcdefhijklmnopqrstvwxyz bm:abcdefghijklmnopqrstuvwxz
bn:abcdefgijklmnopqrsuvwxyz bo:abdefghijklmnopqrstuvwxyz bp:acdeghijklmnopqrstuvwxyz bq:abcdfghijklmnopqrstuvwxyz
br:abcdefghijklmnopqrstuvwxyz bs:abcefghijklmnopqrstuvwxy bt:acdefghijmnopqrstuvwxyz bu:abcdefghijklmnopqstuvwxyz
bv:abcdefghijklmnopqrtuvwxyz bw:abcdefghijklmnopqrstuwxyz bx:abcdefghijklmnopqrsuvwz by:abcdefghijklmnopqrstvwxz
bz:abcdefghijklmnopqrstuvwxyz ca:abcdefghjklmnopqrstvwxyz cb:bcdgijklnoqrstuvwy cc:cdeghjlmopr cd:aefhijmnorsyz
ce:abgknsty cf:adgm cg:acgk ch:abcdefghjklmnopqrtuvwxyz ci:abcdehkmnprwy cj:aehikmnopsvy ck:bhlmnoqrstuvxyz
cl:acdehijklmostuwy cm:aegilmnorst cn:abcghiklopqrstuwx co:abcdefghjklmnopqrstuvwxz cp:abcginosuxy cq:d
cr:abcdefghijklmnoqrstvwxyz cs:abcdefghijklmnopqrstvwxyz ct:acdeghlmnopstuyz cu:abchijklopqrtuvwxy cv:gn cw:abdegt
cx:h cy:abmo cz:hknot da:acdeghijklmnoqrsuvwxz db:abdefgijlmnopqrtuvwy dc:cr dd:adegijnorsw de:cdefghilmnpqrsuvz
dg:abcdeghiklnorstwxz dh:dgilmnorsuvwx di:abcdfghijklmnopqrsuvwxyz dj:abcdefijkmnoruw dk:agkrsx dl:gkmn
dm:abcdefgklmorsuvwxy dn:adegijknortuvwy do:abcefhiklnopqrstvwxyz dp:p dr:bcdegilnoqstuy ds:behiklnoqz
dt:abdhikmnoprstuy du:abcefghiklmnopqrsuvwxyz dv:a dw:akrsuwyz dy:abdgimnoruy dz:adeglno ea:a eb:cgkoru ec:rsy ee:e
ef:aei eg:almoy eh:su ei:ptv ej:a ek:aegiklmopry el:ehiklmoux em:abegikmnpqsuwxyz en:abcdfghlmnoqruvwx eo:t ep:io
er:aghikorstw es:eghiklmnoqstuy et:bchnorstuxz eu:ds ev:ehn ew:eo ex:t ey:ao ez:ae fa:abdfghijklmnoprstuxyz fb:l fc:s
fe:r ff:im fg:r fi:aefjlnprtw fk:kv fl:ahilnry fm:pu fn:bgi fo:dimnrs fp:e fq:s fr:acdkmopqrsty fs:els
fu:bcdefhijlmnqrtuvy fv:r fw:ae ga:abcdefghijklmnopqrstuwxyz gb:abdefghijklmnopqrsuvwxyz gc:cdeflnrt
gd:abcdefghijklmnoqrstux ge:abcdfghijklqsvwxyz gf:kt gg:abdegkltuw gh:acehklnorst gi:abcdeghilmnpqrstuwxyz gj:kmnru
gk:adenopu gl:abcdeghjkloruvwy gm:abdghlmnruvxyz gn:abcdeghijklmnoqrtuwz go:abcdefghijklmnopqrstuvwxyz gp:aen gq:ainru
gr:abcdghijmnoqrstuvwxyz gs:eglmnopsw gt:au gu:abcdefghijklmnopqrstuwxz gv:acefjlmnoprsy gw:abcdefgijmnrtuwx gx:x
gy:abdefgilmnoryz gz:ain ha:abcdefghijklmnopqrstuvwxyz hb:abnosu hc:ah hd:nsy he:abdghimr hg:mw hh:iry
hi:abdfghijklnortwx hj:i hk:aehkns hl:abdetu hm:abcdefghijklmnopqrstuvwyz hn:adeghijmnosu ho:abcdehijlmoprstvwyz hp:os
hr:acekmoptuvwxz hs:bhlns ht:iosux hu:bcdefghijklmnopqrstuvwxyz hv:ceknv hw:aco hy:aew ia:inr ib:abdeghlmnoruy ic:ahlr
id:abcdeiorstu if:abefkmuy ig:beglmnosw ih:bipw ii:in ij:cejns ik:ehikloprstuvwxz il:abegikmopsuv im:ailnorsty
in:abdghjlmnopstz io:ruw ip:iko iq:uw ir:ehiknruxy is:acdeghiklmnortuv it:abdeiklmorstvwxyz iu:m iv:bv iw:kmos ix:cl
iy:aox iz:hmrz ja:abcdefhjklmnoqstuvxyz jb:eijkmnortuw jc:st jd:agt je:behiklnrtu jg:beko jh:is ji:abcdeghilmoqtuvy
jj:er jk:amoprsu jl:es jm:abcdilnrswx jn:adgijls jo:bdgrsw jp:anr jq:r jr:abrtu js:l ju:abcdhiklmnoprstuwy jv:dn jw:i
jy:aey ka:abcdefghijklmnopqstuvwxyz kb:abcdeghijklmnopqrstuvwxyz kc:abcdefghijklmnopqrstuvwxyz
kd:acdefghijklmnpqrtuwxyz ke:abcdefghijklmnopqrstuvwxyz kf:abcdefghijklmnopqrstuvwxyz kg:abefgijklnopqrstuvwxy
kh:abcdefghjklmnopqrstuvwxyz ki:abcdefghijklmnopqrstuvwxyz kj:abcdeghijklmnopqrstuvxyz kk:abcdefghijklmnopqrstuvwxyz
kl:abcdefghijklmnopqrstuvwxyz km:abcdefghijklmnopqrstuvwxyz kn:abcdefgijklmnopqrstuvwxyz ko:acdefghiklmnopqrstuvwyz
kp:abcdefghijklmnoqrstuvwxyz kq:abcdefghijklmnopqrstuvwxyz kr:abcdefhijklnprstuvwxyz ks:bcdefghijklmnopqrstuvwxyz
kt:abcdefghijklmnopqstuvwxyz ku:abcdefghijklmnopqrstuvwxyz kv:abcdefghijklmnopqrtuvwxyz kw:abcdefghijklmnoprstuvwxyz
kx:abcdfhijkmnopqrstvwxyz ky:abcdefghijklmnopqrstuvwxyz kz:abcdefgiklmnopqrsuvwxyz la:abcdefghijlmnopqrstuvwxyz
lb:bcefgijklmnoqrstuvwxyz lc:cdefhlmpqs ld:abdghijklmnopq le:abcdefhijklmnopqrstuvwxyz lf:an lg:abghiklmnoqrstuz
lh:ahilmnpstu li:abcdefghjklmnopqrstuvwxyz lj:aeilpwx lk:abcdehijlmnorstuy ll:abcdefghijklmnpqsux
lm:abcdefghijklnopqruvwxy ln:abdghijlmnsuwz lo:abcefghijklmnopqrstuvwxyz lp:aenox lq:r lr:acegiklmnortvz
ls:abcdehilmnoprstvwy lt:cghinosuz lu:abcdefghijklmnopqrstuvwyz lv:aiklsu lw:aeghlmostuw lx:m ly:agn lz:hlnz
ma:abdefghijklmnqrstuvwxz mb:abcdefhijklmnopqrstuvwxyz mc:abcdefghijklmnopqrstuvwxyz md:abcdefghijklmnpqrstuvwxyz
me:abcdefhijklmnopqrstuvwyz mf:abcdefghijklmnopqrstuvwxyz mg:abcdefghijklmnopqrstuvwyz mh:abcdefgijklmnopqrstuwxyz
mi:abcdefghijklmnopqrtuwxyz mj:bcdeghijklmnopqrstuvwxyz mk:abcdefgijklmnopqrstuvwxyz ml:abcefghijklmnopqrstuvwxz
mm:abcdefghijklmnopqrtuvwxyz mn:abcdefghijklmnpqrsuvwxyz mo:acdeghijkmnopqrstuvwxyz mp:abcdeghijklmnopqrstuvwxyz
mq:abcefghijklmnopqrstuvwxyz mr:abcdefghijklmnopqrstuvwxyz ms:abcdefghijklmnopqrsuvwxyz mt:abcdefghijklmnopqrstuvwxy
mu:abcdeghijkmopqrstuvxyz mv:abdefghiklnopqrstuvwxyz mw:abcefghiklmnopqrstuvwz mx:abcdefghijklmnopqrstuvwxyz
my:abcefghjklmoprsuvwxyz mz:abcdeghijklmnopqrstuvwxyz na:abcefgjklmnopqrstuvwxyz nb:abcdeghijklmnopqrstuvwy
nc:abcdefghijklmnoqrstuxz nd:abcdefghijklmnopqrstuvwxyz ne:abcdefghijkmnopqrstuvwxyz nf:adlru
ng:abcdeghijklmnpqrstuvwxyz nh:abcdefghikmnopqrtuvwxyz ni:abdefghijklmnoqrstuvwxyz nj:abdhijlmnorstuxyz
nk:abcdefghijkmnopqrstuvwxz nl:acdegijklmoquvwxyz nm:abcdefghijklmnopqrstuvwxyz nn:abcdefghijklmnopqrtuvwyz
no:abcdefghijklnpqrstuvwyz np:abghilnosuxy nq:gklmnoqty nr:abcefgiklmnprtuxz ns:abcdefghiklmnopqrstuvwxyz
nt:dgijkmopruwxyz nu:acdefghijklmnopqrstuvwxyz nv:hmo nw:abcegimorwxy nx:adegiklmnoqrx ny:abcdefghijklmnopqrstuvwxy
nz:abdikmrsuyz oa:ackrv ob:iklmortu oc:ahimou od:aktu of:osu og:bcegou oh:tu oi:aen oj:bcgipsvw
ok:abcdeghijklmnorsuvxz ol:adekmortu om:abcgiklnoprtuwxy on:abegijknoprstuwx oo:dgnrs op:akmoty or:aceghimnorstuvwxyz
os:acinopstux ot:abdeiklmnqrstuwxyz ou:abeim ov:d ow:il oy:bdmy oz:m pa:bcdefghiklmnopqrsuvwxyz pb:bcefghilmnoprstuvy
pc:abcdefghijklmnpw pd:acinotu pe:abdefghijklmopqsvxyz pf:ael pg:adgiklnsuz ph:adghjklmnoqrtuvw
pi:abcdefghjlmnoprstuvwxyz pj:t pk:abcghnoprstu pl:abcdeghiklnoqrstuvwyz pm:abdefhijlmnoqrstwxyz
pn:abcdeghijklmnopqrstuvwxyz po:cefghiklmnopqrstvwxy pp:eiklmnopqstu pq:am pr:cdefghiklmnoqrstuwxz
ps:acdeghilmnopqrstuwy pt:ahinopqrtuvwy pu:abcdefgijmopqrstuwxy pw:abgimnorw px:m py:emnsuxy pz:ehn
qu:abcdefghiklmnpqrsvwxyz qv:acehijlmnopswyz qw:achmst qx:achlnopqrstuw qy:ap ra:abcdfghijklmnopqrstuvwxyz rb:bklp
rc:f rd:b re:abegijlmnrsty rg:aeknrsu rh:gp ri:abflmnrtu rj:gis rk:abhimtw rm:abcdefghiklmnopqstuvwxyz rn:bdglnprw
ro:bcdefghlmnopruw rp:nt rr:imot rs:bklmnw rt:chmsw ru:bcefghiknopqstuyz rw:aklmor rx:dw ry:nsu rz:h
sa:abcdefghjkmnoqrstuvwxyz sb:abcdefghijklmnopqrstuvwxyz sc:befghiklnopqstuvwx sd:abcefghjklnopqrstuxz
se:abcdefghijklnopqrstuvwyz sf:bemsw sg:abcdeghijkmprstuwxyz sh:abcdeghijklmnopqrstuvwxyz si:abdefghijklmnpqrsuvwxyz
sj:abcdegklmnoprstuw sk:abcdefghijmnopqrstuvwxyz sl:cdefghijklmnprstuvwxyz sm:abcefghjklmnopqrstuvwxyz
sn:acdefgijklmnopqrsuvwxyz so:abcdeghijklmopqrstuvwxyz sp:abcdegiklmnopqrstuvxy sq:ahikmnoqrstux
sr:abcdefghiklmnopqrstuvwxyz ss:bcdefghijklmnopqrstuvwxyz st:abdefghijklmnopqrstuvwy su:abcegijknoqrstvwxyz
sv:abcekmsx sw:abcefghijklmnopqrstuvwxy sx:bcegklmnorsuw sy:abciklmnorswxy sz:abceglnpsvwy
ta:abcdefghjklmnopqrstuvwxyz tb:acdefghijklmnoprstuvwxyz tc:abcdefghiklmnopqstuwxyz td:abcdefghijklmnoqrstvxy
te:abcdefghiklmnopqrstuvwxyz tf:inort tg:abcdefhijklnopqrstuvwxyz th:adefhiklmnpqrstuvyz ti:acfghijklmnopqrstuvwxyz
tj:agijlmnopsuw tk:abdefglmnpqrstuvwxz tl:abcdfghijklmnopqrstuvxy tm:abcdefghijlmnoqrstuvwyz
tn:abcdghiklmnopqrstuvwxyz to:bcdfghijklmnopqrsuvwxyz tp:acefgijklmnopqrtuvxyz tq:blmnopqrtuw
tr:abcdefghijlmnopqrstuvwxyz ts:abcdeghijklmnopqrstuvwxyz tt:abcdefghijklmnopqrstuvwyz tu:abcdefghijklmnoqrsuvxyz
tv:adeiklmnostuwxy tw:abcdefghilmnopqrtuwxy tx:abceghijmnoqrstuxy ty:aehijlnprstuvxyz tz:ahjlmnox ua:mnr ub:ailruy
ud:aegijlmu ue:s uf:i ug:abehnoy uh:an ui:gsv uj:i uk:aghiklpqrsuvwy ul:abcefiklmnuwy um:abcdgimnoprsu un:aegikmnruxz
uo:n up:iv ur:abcdefghiklmnoprtuvwxyz us:ahikpsu ut:aehpru uu:mru uv:ehl uw:a uy:a uz:bns va:aefghijlmnoprsuvy vb:bk
ve:cdlmnopr vg:rt vi:cdefglnstv vj:k vk:ajklmnoptuz vl:ps vm:abcdefghijklmpqrsuvwxyz vn:kmp vo:lrt vr:aost vs:ilnv
vt:o vu:mnt vw:a wa:abcdefghijlmnopqrstuvwxyz wb:abefhijklmpqrstvw wc:ai wd:dgjktuy we:acdghimoprstuw wf:g wg:abgiouy
wh:agku wi:bcefghijklmnruvy wj:ai wk:abdlruwy wl:aceghiklmnorsuvwxy wm:abcdeghimnostwx wn:bcdegikmnopuwy
wo:abcdefgiklmnorswy wp:c wr:bghiklmnoprsuvwxyz ws:agikrsuv wt:bfhikmw wu:abdhlmnrtuvxy ww:aborw wx:aw wy:bimnry
xa:abcdegijklmnopqrstuvwy xb:bcdegijmnoprwy xc:bceghlmnortuvwy xd:ackmoqy xe:bdglmprstu xf:a xg:abdfgilmruw
xh:acdemortuv xi:bilnrsvy xj:bt xk:abcdefgijklnopqrstuvwxyz xl:abcdeginopsuy xm:abcdefghjklmnopqrstuvwxyz
xn:abghijkmnoqrstuyz xo:cdgikmnoprw xp:abcdefghijklmnopqrstuvwxyz xq:at xr:abdegimnrtuw xs:abcdehijlmnopqruvy
xt:abcdeghijlmnopqrstuvwy xu:abdgjlmnoprtu xv:einos xw:acdegjklortw xx:bkmrt xy:abjklty xz:hmp
ya:abcdefghijklmnopqrstuvwxyz yb:abehijklmnoxy yc:hlnpr yd:adegk ye:aceijlrstuvy yg:ailmprsuw yh:adls
yi:adfghijklmnpqrstuvxz yk:aghiklmnortuy yl:abegilmnoruy ym:bcdeghiklmnopqrsxz yn:abdegklnoqsu yo:bgiklmnrtxy
yp:abghmnopz yr:abeklmnoswy ys:cdglmnoprsy yt:alpwy yu:abcdefgijklmnpqrtwxyz yv:at yw:aglnqrtuw yx:aglmuy yy:ruz yz:gk
za:abcdefghijklmopqrstuvwxyz zb:aceltuw zc:adh zd:j ze:aghmn zg:abhmnr zh:abdinow zi:abklmnwz zk:adghknoprtuvz
zl:ajmnqu zm:abcdefghijklmnopqrstuvwxyz zn:aegks zo:chmoqrs zp:abcdefghijklmnopqrstuvwxyz zq:e zr:agnops zs:aklmru
zt:eglmnpqstuxy zu:hlmny zw:a zy:bgjnp zz:aj
"""

#: ISO 639-2/B, the bibliographic codes (TOEFL11's CHI, FRE and GER), and two that were withdrawn in 2008.
_BIBLIOGRAPHIC: Final = (
    "alb:sq arm:hy baq:eu bur:my chi:zh cze:cs dut:nl fre:fr geo:ka ger:de gre:el ice:is mac:mk mao:mi may:ms per:fa "
    "rum:ro slo:sk tib:bo wel:cy scc:sr scr:hr"
)

#: Deprecated subtags and their preferred values in the IANA registry.
_DEPRECATED: Final = "in:id iw:he ji:yi jw:jv mo:ro mol:ro"

#: The member that a macrolanguage usually means (CLDR's list) is called by the macrolanguage's shorter subtag. Not Twi
#: and Fante, which corpora tell from Akan. `nb` is folded into `no` and `fil` into `tl`, since no detector tells them
#: apart and both spellings are declared.
_PREDOMINANT: Final = (
    "als:sq arb:ar ayr:ay azj:az cmn:zh cwd:cr ekk:et esk:ik fuc:ff gaz:om gug:gn ike:iu khk:mn kmr:ku knc:kr kng:kg "
    "kpv:kv lvs:lv npi:ne ojg:oj ory:or pbu:ps pes:fa plt:mg quz:qu src:sc swh:sw uzn:uz ydd:yi zsm:ms zyb:za "
    "nb:no nob:no fil:tl"
)

#: What corpora and detectors write beside the standards: WAXAL's `sog` is Soga (ISO gives it to extinct Sogdian), and
#: `nah`, Nahuatl as Wikipedia and fastText know it, is a registered collection.
_CORPUS_HABITS: Final = "sog:xog nah:nah"


def _pairs(table: str) -> dict[str, str]:
    return dict(pair.split(":", 1) for pair in table.split())


def _entries(table: str) -> list[str]:
    return [" ".join(entry.split()) for entry in table.split(";")]


def folded(name: str) -> str:
    """The form in which names are compared: no case, accents or underscores, single blanks."""
    bare = unicodedata.normalize("NFKD", name.casefold().replace("_", " ").replace("’", "'"))
    return " ".join("".join(letter for letter in bare if not unicodedata.combining(letter)).split())


def _shortest() -> dict[str, str]:
    """Code to subtag, for codes of two and three letters, in lower case."""
    codes = {pair + third: pair + third for pair, thirds in _pairs(_ISO_639_3).items() for third in thirds}
    for entry in _entries(_TWO_LETTER):
        two, three, _ = entry.split(" ", 2)
        codes |= {two: two, three: two}
    for table in (_BIBLIOGRAPHIC, _DEPRECATED, _PREDOMINANT, _CORPUS_HABITS):
        codes |= _pairs(table)
    return codes


#: Code (ISO 639-1, 639-2/B, 639-3; lower case) to the shortest subtag.
SHORTEST: Final = _shortest()


def _entries_named() -> list[list[str]]:
    """Subtag, code of three letters and names of each language."""
    entries = [entry.split(" ", 2) for entry in _entries(_TWO_LETTER)]
    return entries + [[code, code, names] for code, names in (each.split(" ", 1) for each in _entries(_THREE_LETTER))]


def _named() -> dict[str, str]:
    return {folded(name): SHORTEST[code] for code, _, names in _entries_named() for name in names.split("/")}


#: Folded English name to the shortest subtag. Names that two languages share (Ndebele, Sotho, Tonga) are not in it.
NAMES: Final = _named()


@cache
def language_name(subtag: str) -> str:
    """A language's English name, or its subtag where none is known.

    >>> language_name("es"), language_name("qqq")
    ('Spanish', 'qqq')
    """
    return next((names.partition("/")[0] for code, _, names in _entries_named() if code == subtag), subtag)
