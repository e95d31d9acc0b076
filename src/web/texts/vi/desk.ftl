# Bàn xem xét ở phía trung tâm.
desk-title = Bàn xem xét
desk-sign-in = Đăng nhập bàn xem xét
desk-sign-in-wrong = Tên hoặc mật khẩu không đúng.
desk-sign-in-wait = Đã thử quá nhiều lần. Lần tới được nhận sau { $seconds } giây.
desk-candidates = Tên cần xem
desk-statistics = Thống kê
desk-ledger = Ngân sách riêng tư
desk-audit = Sổ việc đã làm
desk-lead = Những tên mà đủ nhiều nhà đã gặp. Không tên nào bị chặn chỉ vì nằm ở đây: con người xem trước, và hai cơ quan cùng quyết định.
desk-show = Xem
desk-count =
    { $count ->
       *[other] { $count } tên
    }
desk-all = Tất cả
desk-name = Tên
desk-category = Nhóm
desk-lane = Luồng
desk-lane-security = An toàn
desk-lane-harm = Gây hại cho trẻ
desk-homes = Số nhà
desk-state = Trạng thái
desk-state-new = Mới
desk-state-verified = Đã xác minh
desk-state-proposed = Đã đề nghị
desk-state-listed = Có trong danh sách
desk-state-withdrawn = Đã rút lại
desk-state-rejected = Đã bác
desk-step-verify = Xác minh
desk-step-reject = Bác
desk-step-propose = Đề nghị
desk-step-list = Ghi là đã vào danh sách
desk-step-withdraw = Rút lại
desk-step-reopen = Xem lại
desk-reason = Lý do
desk-reason-seen = Đã xem, đúng như vậy
desk-reason-partner = Một tổ chức bạn đã xác nhận
desk-reason-protects = Không có nó thì tốt hơn cho trẻ
desk-reason-published = Đã có trong danh sách được công bố
desk-reason-harmless = Không hại ai
desk-reason-wrong-category = Là thứ khác
desk-reason-popular = Quá nhiều người dùng vào việc khác
desk-reason-gone = Không còn nữa
desk-reason-hotline = Đã chuyển cho đường dây nóng và công an
desk-reason-appeal = Khiếu nại được chấp nhận
desk-reason-mistake = Đó là nhầm lẫn
desk-reason-news = Có điều mới được biết
desk-role-analyst = Người phân tích
desk-role-lead = Trưởng nhóm
desk-role-reader = Người đọc
desk-role-auditor = Người kiểm tra
desk-guarded = Không được đề nghị
desk-in-list = Có trong danh sách
desk-next = Xem thêm
desk-not-done = Việc này chưa được làm:
desk-against = Không được đề nghị tên này:
desk-until = Đề nghị có hiệu lực đến { $day }.
desk-counts = Số nhà theo thời gian
desk-chart-counts = Số nhà đã gặp tên này trong từng kỳ; bảng bên dưới có các con số.
desk-from = Từ ngày
desk-refused = Mảnh không khớp
desk-regions = Vùng
desk-regions-why = Số nhà nhiều nhất của một vùng trong một kỳ; chỉ hiện từ năm nhà trở lên.
desk-region = Vùng
desk-none = Không có.
desk-confidence = Máy chắc chắn đến đâu
desk-sure = Mức
desk-engine = Vì sao máy nghĩ như vậy
desk-engine-none = Hôm nay máy của bàn này không nói gì về tên này.
desk-engine-by = Nhận ra nhờ
desk-engine-category = Được coi là
desk-engine-imitates = Giả làm
desk-engine-chance = Khả năng theo cách viết, phần nghìn
desk-engine-grams = Những phần nặng nhất
desk-history = Những việc đã làm
desk-note = Ghi chú
desk-note-hint = Nhiều nhất 500 ký tự. Không bao giờ viết về một người.
desk-statistics-lead = Ước lượng từ các tổng đã thêm nhiễu. Mỗi con số nằm trong khoảng ± 1,96 độ lệch, đúng trong 95 trên 100 trường hợp. Con số nào có thể cũng chỉ là không thì được đánh dấu.
desk-week = Tuần
desk-group = Nhóm
desk-reports =
    { $count ->
       *[other] { $count } nhà đã tham gia.
    }
desk-by-band = Theo tuổi
desk-by-part = Theo lúc trong ngày
desk-chart-errors = Các cột với khoảng chứa con số thật trong 95 trên 100 trường hợp; bảng bên dưới có các con số.
desk-error = Sai số
desk-noise-column = Ý nghĩa
desk-noise = Dưới mức nhiễu
desk-no-statistics = Chưa có tuần nào được công bố.
desk-ledger-lead = Các tổng hằng tuần của một năm đã tốn của mỗi nhà bao nhiêu riêng tư, như sổ ghi. Khi hết ngân sách thì không công bố thêm nữa.
desk-ledger-odd = Tuần { $epoch } được công bố với quá ít nhiễu hoặc ngoài ngân sách. Tuần đó không được tính ở trên.
desk-audit-holds =
    { $count ->
       *[other] { $count } dòng, và chuỗi còn nguyên. Hãy ghi mã này ở nơi khác:
    }
desk-audit-broken = Chuỗi không còn nguyên.
desk-number = Số
desk-at = Lúc (UTC)
desk-who = Ai
desk-deed = Việc
desk-wrong = Không làm được
