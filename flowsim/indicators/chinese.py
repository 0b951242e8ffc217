# ruff: noqa: E501
"""Where definitions stand and what rules leave out, in Chinese; a test finds what lacks here."""

from __future__ import annotations

import re

RULES = {
    "air, gases separated from it, vapour and emissions: balancing items": "空气及其分离气体、水蒸气和排放物（平衡项）",
    "bulk water": "水",
    "biogenic CO2": "生物源二氧化碳",
    "material that is no main resource": "非主要资源的物料",
    "reclaimed water from outside": "外来再生水",
    "sea water": "海水",
    "waste brought in from outside": "外来废物",
    "waste passed on between utilising processes, counted when it was first taken up": "利用过程之间转移的废物（已在首次利用时计入）",
    "wastes and recyclables": "废物与再生资源",
    "wastes without a published factor": "没有公布排放因子的废物",
    "water that crops take": "作物用水",
}
"""Rule by which an indicator leaves flows out → the same in Chinese."""

CLAUSES = {
    "14th five-year plan on bulk solid waste": "“十四五”大宗固体废弃物综合利用文件",
    "14th five-year plan, on added renewable power": "“十四五”规划关于新增可再生能源电力的规定",
    "Annual report on solid waste of large and medium cities, 2017": "2017年全国大、中城市固体废物污染环境防治年报",
    "Annual statistic report on environment 2012, section 4.2": "2012年环境统计年报，4.2节",
    "Chinese economy-wide material flow accounts, CRR1 = CR / (CR + DMI)": "中国经济系统物质流核算，CRR1 = CR / (CR + DMI)",
    "Chinese economy-wide material flow accounts, CRR2 = CR / TG": "中国经济系统物质流核算，CRR2 = CR / TG",
    "Circular retrofit of parks, NDRC 765 of 2012": "园区循环化改造，发改环资〔2012〕765号",
    "Directive 2008/98/EC": "欧盟指令 2008/98/EC",
    "Ellen MacArthur Foundation and Granta, methodology of 2019": "艾伦·麦克阿瑟基金会与 Granta，2019年方法",
    "Energy statistics": "能源统计",
    "Eurostat, env_ac_cur, metadata": "欧盟统计局 env_ac_cur 元数据",
    "Eurostat, material flow accounts and resource productivity": "欧盟统计局，物质流核算与资源生产率",
    "Finn 1976": "Finn 1976",
    "Green park guides": "绿色园区指南",
    "Guidance on waste-free cities, 2019": "2019年“无废城市”建设指南",
    "Guides of waste sorting": "生活垃圾分类指南",
    "Layton, Bras and Weissburg 2016": "Layton、Bras、Weissburg 2016",
    "NDRC 2749 of 2016, indicator system of 2017": "发改环资〔2016〕2749号，循环经济发展评价指标体系（2017年版）",
    "NDRC 2749 of 2016, indicator system of 2017, reference indicator": "发改环资〔2016〕2749号，2017年版参考指标",
    "NDRC 2749 of 2016, reference indicator": "发改环资〔2016〕2749号，参考指标",
    "NDRC and NBS, 803 of 2022, on feedstock": "国家发展改革委、国家统计局2022年803号文，原料用能",
    "NDRC and NBS, 803 of 2022, on feedstock energy": "国家发展改革委、国家统计局2022年803号文，原料用能",
    "Notice on zero-carbon parks (2025), core indicator": "关于开展零碳园区建设的通知（2025），核心指标",
    "Provincial greenhouse gas inventory guide (2025) for the factors": "省级温室气体清单编制指南（2025年版）的因子",
    "Regional water statistics": "地区用水统计",
    "Regulation (EC) 2150/2002": "欧盟条例 (EC) 2150/2002",
    "Regulation (EU) 691/2011, annex III": "欧盟条例 (EU) 691/2011 附件三",
    "Tiejun 2010, Resources, Conservation and Recycling 54": "Tiejun 2010，Resources, Conservation and Recycling 54",
    "UNEP 2011, Recycling Rates of Metals": "联合国环境署 2011，金属再生率",
    "Ulanowicz 1986": "Ulanowicz 1986",
    "Ulanowicz, Goerner, Lietaer and Gomez 2009": "Ulanowicz、Goerner、Lietaer、Gomez 2009",
    "WBCSD, CTI v4.0": "WBCSD，CTI v4.0",
    "WBCSD, CTI v4.0, recovery type": "WBCSD，CTI v4.0，回收方式",
    "Yearly notices of the grid factors of provinces and of the nation": "全国与省级电网排放因子年度公告",
    "a practice without a standard": "通行做法，无标准",
    "as enaR and NetIndices compute it": "按 enaR 与 NetIndices 的算法",
    "beside the utilisation rate of industrial solid waste, which counts where waste is generated": "工业固体废物综合利用率按产生地计算，本项另列",
    "collected amounts stand in for generated ones": "以收集量代替产生量",
    "details of its formula not seen": "计算细则未见",
    "general.co2 and general.value_added": "general.co2 与 general.value_added",
    "guidance on waste-free cities, 2019": "2019年“无废城市”建设指南",
    "list of critical raw materials of the EU (2023)": "欧盟关键原材料清单（2023）",
    "measured where it enters recycling": "在进入再生环节处计量",
    "national tables up to 2010, such as that of 2003": "2010年以前的全国统计表（如2003年）",
    "no standard found": "未见标准",
    "own definition": "自定义",
    "own definition, after CRR1 = CR / (CR + DMI) of Chinese economy-wide accounts": "自定义，参照中国经济系统物质流核算 CRR1 = CR / (CR + DMI)",
    "park guides": "园区指标说明",
    "park guides, annex A": "园区指标说明附录A",
    "plan of Qinzhou of 2022": "钦州市2022年规划",
    "power at 0.1229 kgce/kWh": "电力按 0.1229 kgce/kWh",
    "power at about 0.30 kgce/kWh": "电力按约 0.30 kgce/kWh",
    "power converted by the coal burnt for it": "电力按发电煤耗折算",
    "prices of the price table and their year": "价格表的价格及其年份",
    "regional energy statistics": "地区能源统计",
    "statistics of the environment": "环境统计",
    "symbiosis share": "共生比例",
    "symbiosis share, a practice without a standard": "共生比例，通行做法，无标准",
    "symbiosis share, second form": "共生比例的第二种形式",
    "the factors k are set by the administration": "系数 k 由主管部门规定",
    "variant of Eurostat, env_ac_cur": "欧盟统计局 env_ac_cur 的变体",
    "water-saving society guides": "节水型社会指标说明",
    "weights of one fifth": "各占五分之一",
}
"""Part of a clause → the same in Chinese; numbers of standards are read by `clause_zh` itself."""

STANDARD = re.compile(r"(GB/T [\d-]+|HJ 274-2015|ISO 59020:2024)(?:, (.*))?")
TAILS = {
    "mandatory": "必选",
    "for its change": "用于其变化率",
    "for its elasticity": "用于其弹性系数",
    "counts those that are new since the plan began": "指规划实施以来新增者",
}


def clause_zh(clause: str) -> str:
    """A clause in Chinese; its parts are separated by semicolons.

    Raises
    ------
    KeyError : a part that is neither in `CLAUSES` nor the number of a standard
    """
    return "；".join(_part_zh(part) for part in clause.split("; "))


def _part_zh(part: str) -> str:
    found = STANDARD.fullmatch(part)
    if not found:
        return CLAUSES[part]
    name, where = found.group(1), found.group(2) or ""
    note = ""
    for tail, zh in TAILS.items():
        if where.endswith(tail):
            where, note = where.removesuffix(tail).rstrip(", "), f"（{zh}）"
    if where.startswith("no. "):
        where = f"第 {where.removeprefix('no. ')} 项"
    return f"{name}，{where}{note}" if where else f"{name}{note}"
