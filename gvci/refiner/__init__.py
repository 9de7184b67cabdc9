"""Relation-graph refinement (paper §2.3): learn which gene pairs carry information.

sampling.py      M: which pairs one iteration may use, drawn without an n × n mask
propagation.py   softmax over a target's drawn regulators, and the sparse product
paper.py         RelationRefiner: eqs. 11–13
result.py        RefinedGRN: what comes out, as a table and as files
"""
