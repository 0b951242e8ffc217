"""Chinese headings of the tables and columns that `flowsim.schema` describes, for people and for sheets.

A sheet may be named, and a column headed, by the id, the English or the Chinese title.
"""

from __future__ import annotations

from collections.abc import Mapping

TABLES = {
    "scenario": ("Scenario", "情景"),
    "variants": ("Variants", "情景方案"),
    "layers": ("Layers", "层"),
    "goods": ("Goods", "物料"),
    "recipes": ("Recipes", "单耗配方"),
    "substitutes": ("Substitutes", "替代"),
    "contents": ("Contents", "成分"),
    "factors": ("Factors", "系数"),
    "prices": ("Prices", "价格"),
    "lifetimes": ("Lifetimes", "寿命"),
    "targets": ("Targets", "目标"),
    "sources": ("Sources", "来源"),
    "processes": ("Processes", "过程"),
    "flows": ("Flows", "物质流"),
    "pools": ("Pools", "公共管网"),
    "links": ("Links", "共生链接"),
    "facts": ("Facts", "数据"),
    "stocks": ("Stocks", "存量"),
    "series": ("Series", "时间序列"),
    "ceilings": ("Ceilings", "含量上限"),
    "correlations": ("Correlations", "相关性"),
    "groups": ("Groups", "企业与地块"),
    "distances": ("Distances", "距离表"),
    "heats": ("Heat streams", "热流股"),
    "waters": ("Water places", "用水点"),
    "water_quality": ("Water quality", "水质"),
}
"""Sheet → its English and Chinese title."""

COLUMNS = {
    "action": "操作",
    "activity": "运行量",
    "age": "年龄",
    "amount": "数量",
    "amount_of": "数量取自",
    "at": "所在过程",
    "available": "可运行时间占比",
    "base": "基础情景",
    "area": "所在范围",
    "basis": "计量基准",
    "becomes": "变为",
    "capacity": "产能",
    "chain": "产业链",
    "ci95": "95%半宽",
    "citation": "引用",
    "class": "类别",
    "collection": "回收率",
    "cost": "单位成本",
    "curve": "曲线",
    "cv": "变异系数",
    "days": "年运行天数",
    "density": "密度",
    "direction": "方向",
    "distance": "距离",
    "distribution": "分布",
    "duty": "热负荷",
    "earliest": "最早年份",
    "early": "提前退出",
    "en": "英文名称",
    "entered": "历史流入",
    "entry": "进入时点",
    "factor": "系数种类",
    "fate": "默认去向",
    "feedstock": "原料用途份额",
    "firm": "企业",
    "fixed_cost": "固定成本",
    "flow": "流量",
    "forbid": "禁止连接",
    "freight": "运费",
    "from": "来自",
    "given": "给定",
    "good": "物料",
    "goods": "混合物料",
    "hazard": "逐年退出率",
    "high": "上限值",
    "hours": "年运行小时",
    "id": "编号",
    "indicator": "指标",
    "initial": "初始存量",
    "inlet": "进口浓度",
    "into": "按输入计",
    "key": "键",
    "kind": "种类",
    "layer": "层",
    "level": "存量水平",
    "lhv": "低位热值",
    "limit": "限额",
    "load": "负荷率",
    "locator": "出处",
    "loss": "途中损耗",
    "low": "下限值",
    "max": "最大",
    "max_share": "最大占比",
    "mean": "平均寿命",
    "min": "最小",
    "minimum": "最低量",
    "mixed": "混合",
    "months": "运行月份",
    "note": "备注",
    "of": "基数",
    "one": "数据之一",
    "open": "开通",
    "origin": "来源地",
    "other": "另一数据",
    "outlet": "出口浓度",
    "part_of": "属于",
    "permits": "危废许可",
    "plan": "规划项目",
    "prefer": "优先次序",
    "price": "价格",
    "quality": "数据质量",
    "ratio": "替代比",
    "recipe": "单耗配方",
    "removal": "去除率",
    "replaces": "替代对象",
    "role": "作用",
    "scope": "范围",
    "sd": "标准不确定度",
    "sense": "方向要求",
    "set": "集合",
    "shape": "形状参数",
    "share": "份额",
    "shift": "温差贡献",
    "site": "地块",
    "source": "来源",
    "space": "库容",
    "status": "查阅状态",
    "stock": "存量",
    "stock_change": "存量变化",
    "substance": "物质",
    "supply": "供应温度",
    "survival": "存活率",
    "target": "目标温度",
    "through": "经由处理",
    "to": "去向",
    "tonnage": "容许总质量",
    "transfer": "转移系数",
    "unit": "单位",
    "value": "数值",
    "variant": "情景",
    "water": "用水点",
    "what": "对象",
    "within": "所属产品的存量",
    "year": "年份",
    "zh": "中文名称",
}
"""Column → its Chinese title, one for each name in whatever table it stands."""

TOP = {
    "flowsim": ("格式版本", "version of this language: 1", "格式版本：1"),
    "name_en": ("英文名称", "English name of the scenario", "情景的英文名称"),
    "name_zh": ("中文名称", "Chinese name of the scenario", "情景的中文名称"),
    "year": ("年份", "the year that the flows belong to", "物质流所属年份"),
    "description_en": ("英文说明", "what the scenario assumes, in English", "情景说明（英文）"),
    "description_zh": ("中文说明", "what the scenario assumes, in Chinese", "情景说明（中文）"),
    "library": (
        "数据库",
        "folders with CSV tables, separated by `;`; `flowsim`: the library that comes with it",
        "数据库文件夹，用分号隔开；`flowsim` 为自带数据库",
    ),
    "targets": (
        "目标集合",
        "name of a set of targets, such as qinzhou_2025",
        "目标集合名称，如 qinzhou_2025",
    ),
    "base": (
        "基准情景",
        "the variant that changes are counted from",
        "计算变化所依据的基准情景",
    ),
}
"""Key of the sheet `scenario` → its Chinese title, and what it means."""

VARIANTS = {
    "variant": (
        "id of the variant; its first row may name it and its base",
        "情景编号；首行可写名称与基础情景",
    ),
    "en": ("English name", "英文名称"),
    "zh": ("Chinese name", "中文名称"),
    "base": ("variants that it builds on, separated by `;`", "所依据的情景，用分号隔开"),
    "note": ("remark", "备注"),
    "action": ("set a value, open or close a link, remove a row", "设值、开通或关闭链接、删除行"),
    "what": (
        "TABLE.ID.COLUMN to set, a link, or TABLE.ID to remove",
        "设值写 表.编号.列；链接编号；删除写 表.编号",
    ),
    "value": (
        "value, or `x 0.8` to scale; `null` takes it away",
        "数值；`x 0.8` 为按比例缩放；`null` 为取消",
    ),
    "unit": ("unit of the value", "数值的单位"),
}
"""Column of the sheet `variants` → what it means. New rows stand in their tables, with their variant."""

ADDED = {
    "unit": (
        "unit of the numbers of this row that are written without one",
        "本行未带单位的数字所用的单位",
    ),
    "variant": ("only in this variant; empty: always", "仅属于该情景；空白表示始终有效"),
    "en": ("English name", "英文名称"),
    "zh": ("Chinese name", "中文名称"),
}
"""Columns of a sheet beside those of its table → what they mean."""


def named(text: object, titles: Mapping[str, str | tuple[str, ...]]) -> str | None:
    """The key that a text means: the key itself, or one of its titles; None if it is none of them."""
    if not isinstance(text, str):
        return None
    wanted = text.strip().lower().replace(" ", "_")
    for key, title in titles.items():
        names = (title,) if isinstance(title, str) else title
        if wanted == key or wanted in (name.lower().replace(" ", "_") for name in names):
            return key
    return None
