"""Names that transcription factors have: a guess by gene family, not a list of all of them.

HGNC names most factors by the family of their DNA-binding domain; the families of Lambert et
al. 2018 (Cell 172:650) with such names are written here. Some factors are missed and a few
other genes are taken in, so a share over many names means something and one name does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

FAMILIES = (
    r"A(?:HR|RNT2?|RNTL2?|R|RX|RID\d[AB]|TF\d|TOH\d+|LX\d|SCL\d)",
    r"B(?:ACH\d|ARX\d|ARHL\d|ATF\d?|CL6B?|CL11[AB]|HLHE\d+|SX|PTF|NC\d)",
    r"C(?:DX\d|EBP[ABDEGZ]|IITA|LOCK|REB\d?L?\d?|REM|TCFL?|UX\d|DC5L|ENPB)",
    r"D(?:BP|BX\d|LX\d|MRT[AB]?\d|RGX|MTF\d|DIT3)|E2F\d|EBF\d|EGR\d|EHF|ELF\d|ELK\d",
    r"E(?:MX\d|N\d|OMES|PAS1|RF|RG|SR\d|SRR[ABG]|SX1|TS\d|TV\d|VX\d)|FERD3L|FEV|FLI1|FIGLA",
    r"FOS(?:B|L\d)?|FOX[A-S]\d[A-Z]?\d?|FOXO\d|GABPA|GATA\d|GBX\d|GCM\d|GFI1B?|GLI\d|GLIS\d",
    r"G(?:RHL\d|SC2?|SX\d|ZF1)|HAND\d|HBP1|HES\d|HEY\dL?|HIC\d|HIF\dA|HINFP|HLF|HLX|HMBOX1",
    r"H(?:MG[AB]\d|MX\d|NF\d[ABG]|OX[A-D]\d+|SF\d|HEX|ESX1)|ID\d|IKZF\d|INSM\d|IRF\d|IRX\d|ISL\d",
    r"ISX|JDP2|JUN[BD]?|KLF\d+|LBX\d|LEF1|LHX\d|LMX1[AB]|LYL1|MAF[ABFGK]?|MAX|MAZ|MBD\d|MECOM",
    r"M(?:EF2[A-D]|EIS\d|EOX\d|ESP\d|GA|ITF|IXL1|LX|LXIP(?:L)?|NT|NX1|SC|SX\d|TF\d|XD\d|XI1|YBL?\d?|YC[NL]?|YF\d|YOD1|YOG|ZF1|YNN)",
    r"N(?:EUROD\d|EUROG\d|FAT\d|FATC\d|FE2L?\d?|FI[ABCXL]\d?|FIL3|FKB\d|FY[ABC]|HLH\d|KX\d-?\d+|OTO|OBOX|PAS\d|R[0-9][A-Z]\d|RF1|RL)",
    r"O(?:LIG\d|NECUT\d|SR\d|TX\d|TP|VOL\d)|PATZ1|PAX\d|PBX\d|PDX1|PGR|PHOX2[AB]|PITX\d|PKNOX\d|PLAGL?\d",
    r"P(?:OU\dF\d|PAR[ADG]|RDM\d+|ROP1|ROX\d|RRX\d|TF1A|URA)|RAR[ABG]|RAX2?|RBPJL?|REL[AB]?|REST|RFX\d",
    r"R(?:EPIN1|HOXF\d|ORA|ORB|ORC|OR[ABC]|REB1|UNX\d|XR[ABG])|SATB\d|SALL\d|SCRT\d|SIM\d|SIX\d|SMAD\d|SNAI\d",
    r"S(?:OHLH\d|OX\d+|P\d|P1[014]0L?|PDEF|PI[1BC]|PZ1|REBF\d|RF|RY|TAT\d[AB]?|HOX2?)|TAL\d|TBXT|TBP|TBR1|TBX\d+",
    r"T(?:CF\d+(?:L\d)?|CFL5|EAD\d|EF|FAP2[A-E]|FAP4|FCP2|FCP2L1|FDP\d|FE[3BC]|GIF\d|HAP\d+|HR[AB]|LX\d|P53|P63|P73|RP53|WIST\d|FEB)",
    r"USF\d|UBP1|VAX\d|VDR|VENTX|VSX\d|WT1|XBP1|YBX\d|YY\d|ZBED\d|ZBTB\d+[A-Z]?|ZEB\d|ZFAT|ZFHX\d|ZFP\d+L?\d?",
    r"Z(?:FX|FY|IC\d|IM\d|KSCAN\d+|NF\d+[A-Z]?|SCAN\d+[A-D]?|XD[ABC])",
)
FACTOR = re.compile("|".join(FAMILIES))


def factors(names: Iterable[object]) -> list[str]:
    """Those of the names that look like a transcription factor's, human or mouse."""
    return [str(name) for name in names if FACTOR.fullmatch(str(name).upper())]


def share_of_factors(names: Iterable[object]) -> float:
    """The share of the different names that look like a transcription factor's; 0 without any."""
    different = set(map(str, names))
    return len(factors(different)) / max(1, len(different))
