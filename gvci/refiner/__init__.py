"""Relation-graph refinement (paper §2.3): learn which gene pairs carry information.

Presets `standard` and `quick`: a learned logit per candidate pair by calibrated regression.
cells.py         candidate pairs and perturbed cells
residuals.py     standardised residuals of all cells, dense for a block of them at a time
calibrated.py    levels 0 and 1: correlation, and signed messages in closed form
activity.py      level 2: regulators' activities from their own mRNA and their targets
calibration.py   from effect sizes to logits, a two-group model of prior membership
level.py         which level the data can carry, by prior edges hidden from the fit
procedure.py     the whole, from data and prior to the result

Preset `paper`: a GCN trained by gradient descent (eqs. 11–13).
sampling.py      M: which pairs one iteration may use, drawn without an n × n mask
propagation.py   softmax over a target's drawn regulators, and the sparse product
descent.py       Adam on all logits, drawn or not, in place
paper.py         RelationRefiner: eqs. 11–13

result.py        RefinedGRN: what comes out of either, as a table and as files
trimmed.py       the same with its strongest edges alone, where the prior may not be carried along
"""
