"""The report on the evidence: one page one would print, failures first."""

from rekindle.report.evidence._facts import fact_tables
from rekindle.report.evidence._page import EvidenceReport, evidence_figures, evidence_page
from rekindle.report.evidence._writing import write_evidence

__all__ = ["EvidenceReport", "evidence_figures", "evidence_page", "fact_tables", "write_evidence"]
