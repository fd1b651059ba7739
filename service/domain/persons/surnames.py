"""Surnames whose reading differs from that of the character elsewhere (R81).

Readings of 现代汉语词典 (7th edition, entries marked 姓), compared with the lists of overtrue/pinyin and of
mozillazg/python-pinyin issue 297; pypinyin itself knows no surnames. Several readings in use: the usual one first.
"""

from __future__ import annotations

from service.domain.values.names import is_han

_SINGLE = """
曾 zeng|单單 shan|仇 qiu|解 xie|区區 ou|覃 qin tan|翟 zhai|缪繆 miao|盖蓋 ge gai|查 zha|朴 piao|乐樂 yue le|种 chong
繁 po|么 yao|折 she|佴 nai|粘 nian|藏 zang|都 du|六 lu|薄 bo|乜 nie|阚闞 kan|卜 bu|贠員员貟 yun|召 shao|祭 zhai
黑 he|句 gou|郇 xun huan|洗 xian|能 nai|炅 gui|隗 wei kui|谌諶 chen shen|牟 mou mu|宓 mi fu|尉 wei|逄逢 pang|任 ren
华華 hua|过過 guo|宁寧 ning|应應 ying|冯馮 feng|车車 che|石 shi|万萬 wan|盛 sheng|纪紀 ji|贾賈 jia|柏 bai|叶葉 ye
沈 shen|相 xiang|曲 qu|强強 qiang|葛 ge|和 he|哈 ha|燕 yan|谷 gu|那 na|难難 nan|艾 ai|俞 yu|於 yu|余 yu|齐齊 qi
秘 bi|贲賁 ben|许許 xu|陆陸 lu|殷 yin|汤湯 tang|南 nan|信 xin|宿 su|莘 shen|郗 xi|訾 zi|晁 chao|褚 chu|佘 she|占 zhan
呙咼 guo|隽雋 juan|蔚 yu wei|角 jue jiao|炔 gui|圈 juan quan|省 xing sheng|便 pian|乾 qian|晟 cheng sheng
泷瀧 shuang long|适適 kuo shi|番 pan fan|拓 tuo|頡 xie|鐔 tan chan|厙 she|鈄 tou|査 zha|祕 bi mi|觧 xie|靳 jin
费費 fei|阙闕 que|郄 qie|钭 tou|厍 she|长 chang|颉 xie|镡 tan chan|教 jiao|干 gan|尹 yin|丁 ding
"""
_COMPOUND = """
尉迟 yu chi|尉遲 yu chi|万俟 mo qi|萬俟 mo qi|单于 chan yu|單于 chan yu|长孙 zhang sun|長孫 zhang sun|澹台 tan tai
鲜于 xian yu|鮮于 xian yu|濮阳 pu yang|皇甫 huang fu|令狐 ling hu|乐正 yue zheng|樂正 yue zheng|子车 zi ju|宰父 zai fu
亓官 qi guan|夹谷 jia gu|拓跋 tuo ba|呼延 hu yan|羊舌 yang she|第五 di wu|壤驷 rang si|漆雕 qi diao|颛孙 zhuan sun
独孤 du gu|赫连 he lian|宇文 yu wen|贺兰 he lan|仲长 zhong chang|谷梁 gu liang|榖梁 gu liang|闾丘 lv qiu|申屠 shen tu
公冶 gong ye|段干 duan gan|百里 bai li|欧阳 ou yang|歐陽 ou yang|司马 si ma|上官 shang guan|诸葛 zhu ge|夏侯 xia hou
慕容 mu rong|公孙 gong sun|轩辕 xuan yuan|淳于 chun yu|太叔 tai shu|钟离 zhong li|宗政 zong zheng|东方 dong fang
南宫 nan gong|司徒 si tu|司空 si kong|闻人 wen ren|西门 xi men|东郭 dong guo|微生 wei sheng|左丘 zuo qiu|相里 xiang li
吐谷浑 tu yu hun|纥干 he gan|库狄 she di|屈突 qu tu|豆卢 dou lu|沮渠 ju qu|秃发 tu fa|哥舒 ge shu|仆固 pu gu|达奚 da xi
澹臺 tan tai|叱干 chi gan|叱罗 chi luo|毌丘 guan qiu|乐羊 yue yang|樂羊 yue yang|单增 dan zeng
"""  # the last is no surname but the Tibetan name Tenzin


def _table(text: str) -> list[tuple[str, list[str]]]:
    rows = [row.split() for line in text.strip().splitlines() for row in line.split("|")]
    return [(row[0], row[1:]) for row in rows]


SINGLE = {sign: tuple(readings) for signs, readings in _table(_SINGLE) for sign in signs}
"""Character → its readings as a surname, the usual one first."""
COMPOUND = {name: tuple(syllables) for name, syllables in _table(_COMPOUND)}
"""Surname of two or three characters → its syllables."""
_LONGEST = (
    4  # characters of a Chinese name; what is longer, or has a dot, is the name of another people in Chinese signs
)


def surname_readings(name: str) -> tuple[int, list[tuple[str, ...]]]:
    """Return the length of the surname and its special readings, none where it is read as elsewhere; the length is 0
    where the name has not the form of a Chinese one.
    """
    for length in (3, 2):
        if len(name) > length and (found := COMPOUND.get(name[:length])):
            return length, [found]
    if 2 <= len(name) <= _LONGEST and all(map(is_han, name)):
        return 1, [(one,) for one in SINGLE.get(name[:1], ())]
    return 0, []
