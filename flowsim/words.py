"""The program's own short texts in Chinese; the English text is the key.

Names of goods, processes and indicators carry both languages where they are defined; this table holds
only what the program itself prints. A test finds every text that is used without an entry.
"""

from __future__ import annotations

ZH = {
    "activity": "运行量",
    "all fixed by facts": "全部由数据确定",
    "amount": "数量",
    "because": "原因",
    "boundary": "系统边界",
    "bound or released": "结合或释放",
    "capacity": "产能",
    "change against": "变化的比较基准",
    "closes": "平衡",
    "contribution": "贡献",
    "difference": "差额",
    "differences applied": "已应用的差异",
    "dispatched by merit order": "按优先次序分配",
    "dissipated or bound": "散失或结合",
    "drivers": "决定因素",
    "energy": "能量",
    "explained by": "变化来源",
    "fail": "未达标",
    "flow": "流",
    "flows": "流",
    "from": "来自",
    "good": "物料",
    "how": "方式",
    "in": "输入",
    "indicator": "指标",
    "kind": "类别",
    "largest residual": "最大残差",
    "load": "负荷率",
    "mass": "质量",
    "missing": "缺失",
    "more flows, see --all": "条其他流，用 --all 查看",
    "name": "名称",
    "no problems": "没有问题",
    "note": "说明",
    "of the largest term of its row": "（占该行最大项的比例）",
    "out": "输出",
    "park": "园区",
    "part": "部分",
    "pass": "达标",
    "points": "个百分点",
    "process": "过程",
    "processes": "过程",
    "recipe": "单耗配方",
    "recipes": "单耗配方",
    "relations on the way": "中间关系",
    "share": "占比",
    "source": "来源",
    "stock change": "存量变化",
    "sum of what processes take": "各过程输入合计",
    "target": "目标",
    "targets": "目标",
    "targets that flows do not define": "无法由物质流定义的目标",
    "the rest": "其余",
    "to": "去向",
    "unit": "单位",
    "used in": "用于",
    "value": "数值",
    "variant": "情景",
    "water": "水",
    "where": "位置",
    "year": "年份",
}


def say(text: str, lang: str) -> str:
    """One of the program's own texts in a language, ``en`` or ``zh``."""
    return ZH[text] if lang == "zh" else text
